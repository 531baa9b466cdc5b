//! Which server a command means: by number, or by what it is right now.

use clap::Subcommand;

/// The words behind `janus kill`, `stop`, `pause`, `resume`, `start`, `restart` and `logs`.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Target {
    /// A broker by its node id
    Broker {
        /// 1, 2, ...
        #[arg(value_name = "N")]
        id: i32,
    },
    /// A controller by its node id, or the active one
    Controller {
        /// 101, 102, ..., or `active`
        #[arg(value_name = "N|active", value_parser = parse_controller)]
        which: Which,
    },
    /// A ZooKeeper server by its number, or the leader of the ensemble
    #[command(name = "zookeeper")]
    ZooKeeper {
        /// 1, 2, ..., or `leader`
        #[arg(value_name = "N|leader", value_parser = parse_zookeeper)]
        which: Which,
    },
    /// The broker that leads a partition
    Leader {
        /// The topic's name
        topic: String,
        /// 0, 1, ...
        partition: i32,
    },
    /// Every server of the cluster
    All,
}

/// One server of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// By number.
    Id(i32),
    /// The active controller, the leader of the ensemble.
    Leading,
}

fn parse_controller(word: &str) -> Result<Which, String> {
    parse(word, "active")
}

fn parse_zookeeper(word: &str) -> Result<Which, String> {
    parse(word, "leader")
}

fn parse(word: &str, leading: &str) -> Result<Which, String> {
    if word == leading {
        return Ok(Which::Leading);
    }
    word.parse().map(Which::Id).map_err(|_| format!("give a node id or '{leading}'"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        target: Target,
    }

    fn target(line: &str) -> Result<Target, String> {
        Line::try_parse_from(["kill"].into_iter().chain(line.split(' ')))
            .map(|line| line.target)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_of_the_contract_is_understood() {
        assert_eq!(target("broker 2"), Ok(Target::Broker { id: 2 }));
        assert_eq!(target("controller 101"), Ok(Target::Controller { which: Which::Id(101) }));
        assert_eq!(target("controller active"), Ok(Target::Controller { which: Which::Leading }));
        assert_eq!(target("zookeeper leader"), Ok(Target::ZooKeeper { which: Which::Leading }));
        let leader = Target::Leader { topic: "orders".into(), partition: 3 };
        assert_eq!(target("leader orders 3"), Ok(leader));
    }

    #[test]
    fn a_mistyped_word_gets_a_suggestion() {
        assert!(target("brokr 1").unwrap_err().contains("broker"));
        assert!(target("controller activ").unwrap_err().contains("'active'"));
    }
}

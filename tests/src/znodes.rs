//! What stands in a ZooKeeper ensemble, and how two of them differ in shape.
//!
//! The shape of a tree is its paths, who keeps them (a session: ephemeral; or nobody: persistent),
//! the members of their JSON and the kinds of values. Values themselves are not compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::Runtime;
use zookeeper_client::{Client, Error};

/// Where ZooKeeper keeps its own; it is the same under everybody.
const OWN: &str = "/zookeeper";

/// Digits that ZooKeeper appends to the name of a sequential znode.
const SEQUENCE_DIGITS: usize = 10;

/// A connection to an ensemble.
#[derive(Debug)]
pub struct Ensemble {
    client: Client,
    runtime: Runtime,
}

/// One znode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Znode {
    /// Its value.
    pub data: Vec<u8>,
    /// Whether it goes with a session.
    pub ephemeral: bool,
}

/// Everything that stands in an ensemble, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(pub BTreeMap<String, Znode>);

/// Something that is not the same in two trees.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Of the znode. The number of a sequential one reads `<sequence>`.
    pub path: String,
    /// The member of its JSON: `.isr`, or `.isr[]` for the elements. Empty: all of the znode.
    pub member: String,
    /// What is not the same about it.
    pub what: String,
}

/// A place in a tree: the path of a znode, and the names that lead into its JSON.
type Place = (String, Vec<String>);

/// The name of all elements of an array.
const ELEMENTS: &str = "[]";

/// The kinds of everything in a tree.
type Shape = BTreeMap<Place, BTreeSet<String>>;

impl Ensemble {
    /// Connects to `HOST:PORT,...`, with or without a chroot behind it.
    pub fn connect(connect: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let (servers, chroot) = connect.split_at(connect.find('/').unwrap_or(connect.len()));
        // As long as the ensemble allows: a tree may be looked at while everybody is busy.
        let connector = Client::connector().with_session_timeout(Duration::from_secs(60));
        let client = runtime.block_on(connector.connect(servers)).unwrap();
        let client = if chroot.is_empty() { client } else { client.chroot(chroot).unwrap() };
        Self { client, runtime }
    }

    /// Reads everything. What comes or goes meanwhile may be in it or not.
    pub fn tree(&self) -> Tree {
        self.runtime.block_on(async {
            let mut tree = Tree::default();
            let mut rest = vec!["/".to_owned()];
            while let Some(path) = rest.pop() {
                let parent = path.trim_end_matches('/');
                let read =
                    tokio::try_join!(self.client.get_data(&path), self.client.list_children(&path));
                let ((data, stat), names) = match read {
                    Ok(read) => read,
                    Err(Error::NoNode) => continue,
                    Err(error) => panic!("{path}: {error}"),
                };
                let children = names.into_iter().map(|name| format!("{parent}/{name}"));
                rest.extend(children.filter(|child| child != OWN));
                if !parent.is_empty() {
                    let ephemeral = stat.ephemeral_owner != 0;
                    tree.0.insert(path, Znode { data, ephemeral });
                }
            }
            tree
        })
    }
}

impl Tree {
    /// Whether there is such a znode.
    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// The paths and the JSON of the states of all partitions.
    pub fn states(&self) -> impl Iterator<Item = (&str, Value)> {
        let states = self.0.iter().filter(|(path, _)| path.ends_with("/state"));
        states.map(|(path, znode)| (path.as_str(), serde_json::from_slice(&znode.data).unwrap()))
    }

    fn shape(&self) -> Shape {
        let mut shape = Shape::new();
        for (path, Znode { data, ephemeral }) in &self.0 {
            let path = without_sequence(path);
            let life = if *ephemeral { "ephemeral" } else { "persistent" };
            let value = serde_json::from_slice(data);
            let kind = match &value {
                _ if data.is_empty() => "nothing",
                Ok(value) => kind_of(value),
                Err(_) => "text",
            };
            let what = format!("{life}, {kind}");
            let place = (path, Vec::new());
            shape.entry(place.clone()).or_default().insert(what);
            if let Ok(value) = &value {
                add_members(&place, value, &mut shape);
            }
        }
        shape
    }
}

/// Adds the kinds of everything inside a JSON value.
fn add_members((path, names): &Place, value: &Value, shape: &mut Shape) {
    let inner: Vec<(&str, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(name, it)| (name.as_str(), it)).collect(),
        Value::Array(array) => array.iter().map(|it| (ELEMENTS, it)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in inner {
        let mut names = names.clone();
        names.push(name.to_owned());
        let place = (path.clone(), names);
        shape.entry(place.clone()).or_default().insert(kind_of(value).to_owned());
        add_members(&place, value, shape);
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Sequential znodes of one parent are one kind of thing, however many there are.
fn without_sequence(path: &str) -> String {
    match path.len().checked_sub(SEQUENCE_DIGITS).and_then(|at| path.split_at_checked(at)) {
        Some((prefix, digits))
            if prefix.ends_with(['_', '-']) && digits.bytes().all(|it| it.is_ascii_digit()) =>
        {
            format!("{prefix}<sequence>")
        }
        _ => path.to_owned(),
    }
}

/// How the shapes of two trees differ; each has a name. What only one of them has is reported once,
/// at its top. Elements of an array that is empty in the other tree may be of any kind.
pub fn differences((left, a): (&str, &Tree), (right, b): (&str, &Tree)) -> BTreeSet<Difference> {
    let (a, b) = (a.shape(), b.shape());
    let only = |name: &str, has: &Shape, lacks: &Shape| -> Vec<Difference> {
        let missing = has.keys().filter(|place| !lacks.contains_key(*place));
        let tops = missing.filter(|place| is_expected(place, lacks));
        tops.map(|place| difference(place, format!("only in {name}"))).collect()
    };
    let mut found: BTreeSet<Difference> = only(left, &a, &b).into_iter().collect();
    found.extend(only(right, &b, &a));
    for (place, kinds) in &a {
        if let Some(others) = b.get(place).filter(|others| *others != kinds) {
            let list = |kinds: &BTreeSet<String>| Vec::from_iter(kinds.clone()).join(" or ");
            let what = format!("{left}: {}; {right}: {}", list(kinds), list(others));
            found.insert(difference(place, what));
        }
    }
    found
}

/// Whether the place right above one is there, so that the place itself could be.
fn is_expected((path, names): &Place, shape: &Shape) -> bool {
    match (names.split_last(), path.rsplit_once('/')) {
        (Some((name, above)), _) => {
            name != ELEMENTS && shape.contains_key(&(path.clone(), above.to_vec()))
        }
        (None, None | Some(("", _))) => true,
        (None, Some((above, _))) => shape.contains_key(&(above.to_owned(), Vec::new())),
    }
}

fn difference((path, names): &Place, what: String) -> Difference {
    let member = names.iter().map(|name| match name.as_str() {
        ELEMENTS => ELEMENTS.to_owned(),
        name => format!(".{name}"),
    });
    Difference { path: path.clone(), member: member.collect(), what }
}

/// `PATH MEMBER | WHAT`, as a list of differences has it.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = if self.member.is_empty() { "" } else { " " };
        write!(f, "{}{space}{} | {}", self.path, self.member, self.what)
    }
}

/// A line of a list of differences: `PATH MEMBER | WHAT | REASON`. A `*` in the path stands for any
/// name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pattern: String,
    member: String,
    what: String,
    /// The line itself.
    pub line: String,
}

impl Known {
    /// Reads a list. Empty lines and those that begin with `#` say nothing.
    pub fn list(text: &str) -> Vec<Self> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(Self::parse).collect()
    }

    fn parse(line: &str) -> Self {
        let fields: Vec<&str> = line.split(" | ").collect();
        let &[place, what, reason] = fields.as_slice() else {
            panic!("this line is not 'PATH MEMBER | WHAT | REASON': {line}");
        };
        assert!(!reason.trim().is_empty(), "this line gives no reason: {line}");
        let (pattern, member) = place.split_once(' ').unwrap_or((place, ""));
        let [pattern, member, what, line] = [pattern, member, what, line].map(str::to_owned);
        Self { pattern, member, what, line }
    }

    /// Whether this is the difference, or one of those, that the line speaks of.
    pub fn covers(&self, difference: &Difference) -> bool {
        let mut names = difference.path.split('/');
        let path =
            self.pattern.split('/').all(|it| names.next().is_some_and(|n| it == "*" || n == it));
        path && names.next().is_none()
            && (&self.member, &self.what) == (&difference.member, &difference.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(znodes: &[(&str, &str)]) -> Tree {
        let znode = |(path, data): &(&str, &str)| {
            let ephemeral = data.starts_with('!');
            let data = data.trim_start_matches('!').as_bytes().to_vec();
            ((*path).to_owned(), Znode { data, ephemeral })
        };
        Tree(znodes.iter().map(znode).collect())
    }

    fn found(a: &[(&str, &str)], b: &[(&str, &str)]) -> Vec<String> {
        let (a, b) = (tree(a), tree(b));
        differences(("A", &a), ("B", &b)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn values_do_not_matter_and_kinds_do() {
        let a = [("/a", r#"{"x":1,"y":["a"],"z":{"1.2":[[0]]}}"#), ("/n", "7"), ("/t", "text")];
        let b = [("/a", r#"{"x":2,"y":["b","c"],"z":{"1.2":[[9]]}}"#), ("/n", "8"), ("/t", "word")];
        assert_eq!(found(&a, &b), [""; 0]);
        let b = [("/a", r#"{"x":"2","y":[3],"z":{"1.3":[]}}"#), ("/n", ""), ("/t", "!word")];
        let expected = [
            "/a .x | A: number; B: string",
            "/a .y[] | A: string; B: number",
            "/a .z.1.2 | only in A",
            "/a .z.1.3 | only in B",
            "/n | A: persistent, number; B: persistent, nothing",
            "/t | A: persistent, text; B: ephemeral, text",
        ];
        assert_eq!(found(&a, &b), expected);
    }

    #[test]
    fn what_is_missing_is_reported_at_its_top() {
        let a = [("/a", ""), ("/a/b", "{}"), ("/a/b/c", r#"{"x":{"y":1}}"#), ("/d", r#"{"e":[]}"#)];
        let b = [("/a", ""), ("/d", r#"{"e":[1],"x":{"y":1}}"#)];
        assert_eq!(found(&a, &b), ["/a/b | only in A", "/d .x | only in B"]);
    }

    #[test]
    fn sequential_znodes_are_one_kind_of_thing() {
        let a = [("/c", ""), ("/c/n_0000000000", r#"{"x":1}"#), ("/c/n_0000000001", r#"{"x":2}"#)];
        assert_eq!(found(&a, &[("/c", ""), ("/c/n_0000000009", r#"{"x":1}"#)]), [""; 0]);
        assert_eq!(found(&a, &[("/c", "")]), ["/c/n_<sequence> | only in A"]);
    }

    #[test]
    fn a_line_covers_the_differences_that_it_describes() {
        let known = Known::list("# why\n\n/a/*/b .x.y | only in A | a reason\n");
        let [known] = known.as_slice() else { panic!("{known:?}") };
        let difference = |path: &str, member: &str| Difference {
            path: path.into(),
            member: member.into(),
            what: "only in A".into(),
        };
        assert!(known.covers(&difference("/a/1/b", ".x.y")));
        for (path, member) in [("/a/1/b", ".x"), ("/a/b", ".x.y"), ("/a/1/b/c", ".x.y")] {
            assert!(!known.covers(&difference(path, member)), "{path} {member}");
        }
    }
}

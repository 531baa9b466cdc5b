//! A proxy stands between two brokers and nobody else: `janus.peer.address.map`.

use std::fs;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tests::{Cluster, eventually, with_cluster};

/// Passes connections on until it is cut.
struct Proxy {
    port: u16,
    bytes: Arc<AtomicU64>,
    /// Both ends of every connection; `None` once it is cut.
    open: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Proxy {
    fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (bytes, open) = (Arc::<AtomicU64>::default(), Arc::new(Mutex::new(Some(Vec::new()))));
        let (counted, connections) = (bytes.clone(), open.clone());
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(&target) else { continue };
                let ends = [near.try_clone().unwrap(), far.try_clone().unwrap()];
                match connections.lock().unwrap().as_mut() {
                    Some(connections) => connections.extend(ends),
                    None => return,
                }
                pass(near.try_clone().unwrap(), far.try_clone().unwrap(), counted.clone());
                pass(far, near, counted.clone());
            }
        });
        Self { port, bytes, open }
    }

    fn cut(&self) {
        for end in self.open.lock().unwrap().take().into_iter().flatten() {
            // Its peer may have closed it.
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, bytes: Arc<AtomicU64>) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = io::Read::read(&mut from, &mut buffer) {
            bytes.fetch_add(length as u64, Ordering::Relaxed);
            if io::Write::write_all(&mut to, &buffer[..length]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// In-sync replicas of every partition that `leader` leads.
fn in_sync_with(cluster: &Cluster, leader: i64) -> Vec<Vec<i64>> {
    let description = cluster.json("topics describe numbers");
    let partitions = description[0]["partitions"].as_array().unwrap();
    let led = partitions.iter().filter(|it| it["leader"] == leader);
    led.map(|it| it["isr"].as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect())
        .collect()
}

#[test]
fn a_proxy_between_two_brokers_is_cut_and_only_these_two_miss_each_other() {
    with_cluster(&["replica.lag.time.max.ms=2000"], |cluster| {
        cluster.create_topic("numbers", 6, &[]);
        let properties =
            |broker: i64| cluster.data().join(format!("broker-{broker}")).join("server.properties");
        let of_one = fs::read_to_string(properties(1)).unwrap();
        let (_, replication) = of_one.split_once("REPLICATION://").unwrap();
        let proxy = Proxy::to(replication.lines().next().unwrap().to_owned());
        let map = format!("\njanus.peer.address.map=1=127.0.0.1:{}\n", proxy.port);
        let of_two = fs::read_to_string(properties(2)).unwrap();
        fs::write(properties(2), of_two + &map).unwrap();
        cluster.json("restart broker 2");
        cluster.wait_until_in_sync();
        eventually("every broker leads", || {
            [1, 3].iter().all(|leader| !in_sync_with(cluster, *leader).is_empty()).then_some(())
        });

        let before = proxy.bytes.load(Ordering::Relaxed);
        let numbers: String = (0..10_000).map(|number| format!("{number}\n")).collect();
        let led_by_one =
            (0..6).find(|partition| cluster.leader("numbers", *partition) == 1).unwrap();
        let words = format!("-P -t numbers -p {led_by_one} -X acks=all");
        let produce = || cluster.kcat(&words).input(&*numbers).success();
        produce();
        assert!(
            proxy.bytes.load(Ordering::Relaxed) > before + 10_000,
            "broker 2 follows through it"
        );

        proxy.cut();
        produce();
        eventually("broker 1 misses broker 2", || {
            in_sync_with(cluster, 1).iter().any(|isr| !isr.contains(&2)).then_some(())
        });
        assert!(in_sync_with(cluster, 3).iter().all(|isr| isr.contains(&2)), "broker 3 does not");
        assert_eq!(cluster.status()["brokers"][1]["state"], "running");
    });
}

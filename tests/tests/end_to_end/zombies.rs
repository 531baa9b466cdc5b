//! Servers that were paused until others took their place, and are given work before they can know.
//!
//! The requests are sent while the server is paused, so they are the first thing that it sees.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use grpc::SubmitRequest;
use grpc::auth::{Credentials, Role, Secret};
use grpc::client::ControllerClient;
use kafka::messages::ProduceRequest;
use kafka::messages::produce::{PartitionProduceData, TopicProduceData};
use kafka::{Chunks, ErrorCode, Str};
use metadata::control::TopicSelector;
use metadata::{Command, codec};
use records::BatchBuilder;
use tests::{Cluster, with_cluster};
use tokio::runtime::Runtime;

use crate::wire;

/// Names the topic by its name.
const PRODUCE_VERSION: i16 = 9;
const PATIENCE: Duration = Duration::from_secs(60);

/// A request that asks for the weakest promise: the leader's own word.
fn one_record(topic: &str, value: &[u8]) -> Bytes {
    let mut batch = BatchBuilder::new(0);
    batch.push_next(1, None, Some(value));
    let partition =
        PartitionProduceData { index: 0, records: Some(Chunks(vec![batch.build().unwrap()])) };
    let topic = TopicProduceData {
        name: Str::from(topic),
        partition_data: vec![partition],
        ..Default::default()
    };
    let request =
        ProduceRequest { acks: 1, timeout_ms: 1000, topic_data: vec![topic], ..Default::default() };
    wire::frame(&request, PRODUCE_VERSION)
}

fn answer_of(stream: &mut TcpStream) -> ErrorCode {
    let answer = wire::answer::<ProduceRequest>(stream, PRODUCE_VERSION);
    answer.responses[0].partition_responses[0].error_code.into()
}

#[test]
fn a_leader_that_was_replaced_acknowledges_nothing_when_it_resumes() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("orders", 1, &[]);
        let leader = cluster.leader("orders", 0);
        let broker = &cluster.status()["brokers"][leader as usize - 1];
        let port = broker["port"].as_u64().unwrap() as u16;
        let mut connections: Vec<TcpStream> =
            (0..8).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();

        // Alive, it acknowledges: the request is as it should be.
        connections[0].set_read_timeout(Some(PATIENCE)).unwrap();
        connections[0].write_all(&one_record("orders", b"before")).unwrap();
        assert_eq!(answer_of(&mut connections[0]), ErrorCode::None);

        cluster.json(&format!("pause broker {leader}"));
        cluster.wait_for_status("the leader is replaced", |status| {
            status["brokers"][leader as usize - 1]["leaders"] == 0 && status["offline"] == 0
        });
        for connection in &mut connections {
            connection.set_read_timeout(Some(PATIENCE)).unwrap();
            connection.write_all(&one_record("orders", b"zombie")).unwrap();
        }
        cluster.json(&format!("resume broker {leader}"));
        for connection in &mut connections {
            assert_ne!(answer_of(connection), ErrorCode::None, "a zombie acknowledged a record");
        }
        cluster.wait_until_in_sync();
        let read = cluster.kcat("-C -t orders -o beginning -e -q").success();
        assert_eq!(read, "before\n");
    });
}

#[test]
fn a_controller_that_was_replaced_decides_nothing_when_it_resumes() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("orders", 1, &[]);
        let runtime = Runtime::new().unwrap();
        let status = cluster.status();
        let active = status["controller"]["id"].as_i64().unwrap();
        let mut client = connect_to(cluster, active, &runtime);

        cluster.json(&format!("pause controller {active}"));
        cluster.wait_for_status("the controller is replaced", |status| {
            status["controller"]["id"].is_i64() && status["controller"]["id"] != active
        });
        let delete = Command::DeleteTopic { topic: TopicSelector::Name("orders".into()) };
        let mut request = tonic::Request::new(SubmitRequest {
            cluster_id: status["cluster_id"].as_str().unwrap().into(),
            commands: vec![codec::encode_command(&delete).into()],
            principal: "test".into(),
        });
        request.set_timeout(PATIENCE);
        let submitted = runtime.spawn(async move { client.submit(request).await });
        cluster.json(&format!("resume controller {active}"));
        let answer = runtime.block_on(submitted).unwrap();
        let refused = answer.map_or(true, |answer| answer.into_inner().not_active.is_some());
        assert!(refused, "a zombie decided something");
        let topics = cluster.json("topics list").to_string();
        assert!(topics.contains("orders"), "{topics}");
    });
}

/// A connection that is open before anything happens.
fn connect_to(cluster: &Cluster, controller: i64, runtime: &Runtime) -> ControllerClient {
    let status = cluster.status();
    let controllers = status["controllers"].as_array().unwrap();
    let it = controllers.iter().find(|it| it["id"] == controller).unwrap();
    let secret = Secret::read(&cluster.data().join("secret")).unwrap();
    let cluster_id = status["cluster_id"].as_str().unwrap();
    let credentials = Credentials::new(Some(&secret), cluster_id, Role::Tool, -1);
    let endpoint = it["endpoint"].as_str().unwrap();
    runtime.block_on(grpc::client::connect(endpoint, PATIENCE, credentials)).unwrap()
}

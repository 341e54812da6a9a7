//! The play of play.ts with the crate phoenix_channels_client.
use std::io::{self, BufRead};
use std::sync::Arc;
use std::time::Duration;

use phoenix_channels_client::{Channel, Client, Config, Payload, SendError};
use serde_json::{json, Value};
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver};

fn step(done: &str) {
    println!("STEP {done}");
}

fn control(what: &str) -> String {
    println!("CTL {what}");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).expect("an answer");
    answer.trim().to_string()
}

struct Place {
    address: String,
    user: String,
    peer: String,
    topic: String,
}

impl Place {
    fn client(&self, kind: &str) -> Client {
        let mut config = Config::new(format!("{}/websocket", self.address).as_str()).expect("an address");
        config.set("token", control(&format!("token {kind}")));
        Client::new(config).expect("a client")
    }

    async fn connected(&self, kind: &str) -> Client {
        let mut client = self.client(kind);
        client.connect().await.expect("a connection");
        client
    }
}

async fn joined(client: &Client, topic: &str) -> Arc<Channel> {
    client.join(topic, None).await.expect("a join")
}

/// The contents of all messages that the channel hears from now on.
async fn listen(channel: &Channel) -> UnboundedReceiver<String> {
    let (heard, contents) = unbounded_channel();
    let tell = move |_: Arc<Channel>, payload: &Payload| {
        if let Payload::Value(value) = payload {
            heard.send(value["message"]["content"].as_str().unwrap_or("").to_string()).ok();
        }
    };
    channel.on("new_message", tell).await.expect("a subscription");
    contents
}

async fn hears(heard: &mut UnboundedReceiver<String>, content: &str) {
    control(&format!("send {content}"));
    loop {
        let said = heard.recv().await.expect("a message");
        assert_ne!(said, "unheard", "heard after it left");
        if said == content {
            return step(&format!("receive {content}"));
        }
    }
}

/// Is told once the peer is in a diff: this crate has no presence of its own.
async fn seen(channel: &Channel, peer: String) -> UnboundedReceiver<()> {
    let (online, seen) = unbounded_channel();
    let tell = move |_: Arc<Channel>, payload: &Payload| {
        if let Payload::Value(Value::Object(diff)) = payload {
            if diff["joins"].get(&peer).is_some() {
                online.send(()).ok();
            }
        }
    };
    channel.on("presence_diff", tell).await.expect("a subscription");
    seen
}

#[tokio::main]
async fn main() {
    let mut words = std::env::args().skip(1);
    let mut next = || words.next().expect("four arguments");
    let place = Place { address: next(), user: next(), peer: next(), topic: next() };
    let client = place.connected("good").await;
    play_first(&client, &place).await;
    play_second(&client, &place).await;
    play_return(&place).await;
    play_expiry(&place).await;
    play_refusal(&place).await;
}

async fn play_first(client: &Client, place: &Place) {
    let first = joined(client, &place.topic).await;
    let mut heard = listen(&first).await;
    let mut online = seen(&first, place.peer.clone()).await;
    step("join");
    let sent = json!({ "content": "from the client", "client_random": 7 });
    first.send("new_message", sent).await.expect("a reply");
    step("send");
    hears(&mut heard, "hello").await;
    first.send("message_read", json!({ "seq": 2 })).await.expect("a reply");
    step("read");
    control("peer");
    online.recv().await.expect("the peer");
    step("presence");
    match first.send("new_message", json!({ "content": "x".repeat(600_000) })).await {
        Err(SendError::Reply(refused)) => {
            let refused = refused.into_value().expect("a refusal");
            assert_eq!(refused["reason"], "payload_too_large");
        }
        other => panic!("{other:?}"),
    }
    step("large");
    first.leave().await;
    // A leave has no reply here: what comes after it on the socket has one.
    joined(client, &format!("user:{}", place.user)).await;
    control("send unheard");
    step("leave");
}

async fn play_second(client: &Client, place: &Place) {
    let second = joined(client, &place.topic).await;
    let mut heard = listen(&second).await;
    step("rejoin");
    hears(&mut heard, "again").await;
    control("kill");
}

/// This crate does not come back by itself.
async fn play_return(place: &Place) {
    let client = place.connected("good").await;
    let channel = joined(&client, &place.topic).await;
    let mut heard = listen(&channel).await;
    step("return");
    hears(&mut heard, "back").await;
}

async fn play_expiry(place: &Place) {
    let client = place.connected("short").await;
    let channel = joined(&client, &place.topic).await;
    let patience = Some(Duration::from_millis(200));
    while !matches!(
        channel.send_with_timeout("message_read", json!({ "seq": 2 }), patience).await,
        Err(SendError::Closed)
    ) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    step("expired");
}

async fn play_refusal(place: &Place) {
    assert!(place.client("bad").connect().await.is_err(), "a bad token was let in");
    step("refused");
}

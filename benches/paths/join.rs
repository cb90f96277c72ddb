//! How long a newcomer waits: for the screen, and for all that was said before.

use crate::figures::{Samples, head, row, times, us};
use crate::keystroke::{echo_pane, wait_linked};
use crate::{Effort, Outcome, ours};
use cahoots::{Access, Guest, Host, Lan, Session, Terms};
use ed25519_dalek::{Signer, SigningKey};
use std::time::{Duration, Instant};

/// Messages of one author; a relay lets 2,000 pass at once and delays what comes after.
const MESSAGES_PER_AUTHOR: usize = 1_900;
/// Messages said at the end, to see what one costs.
const SAID: usize = 50;
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Runs this part.
pub(crate) async fn run(effort: Effort) -> Outcome {
    let (rounds, many) = (effort.pick(5, 1), effort.pick(10_000, 300));
    head(&[
        "chat messages",
        "to the live screen",
        "to all messages",
        "as many signature checks",
        "all to checks",
        "to say one more",
    ]);
    for messages in [0, many] {
        let [mut screen, mut all] = [const { Samples::new() }; 2];
        let relay = ours::Server::start()?;
        let host = Host::builder().name("ada").lan(Lan::Off).relay(relay.address.clone()).start().await?;
        let pane = echo_pane(&host)?;
        let link = host.share(Terms::new(Access::Interact))?;
        wait_linked(&host).await?;
        let crowd = talk(&host, messages).await?;
        let mut checks = Samples::new();
        for _ in 0..rounds {
            let start = Instant::now();
            let guest = Guest::builder(link.clone()).name("ben").lan(Lan::Off).start().await?;
            let mut view = guest.watch(pane);
            while !view.is_live() && view.changed().await {}
            screen.push(start.elapsed());
            heard(guest.session(), messages).await?;
            all.push(start.elapsed());
            guest.leave().await;
            checks.push(check(messages));
        }
        drop(crowd);
        let mut said = Samples::new();
        for _ in 0..SAID {
            let start = Instant::now();
            host.session().say("one more")?;
            said.push(start.elapsed());
        }
        let [screen, all, checks, said] = [screen, all, checks, said].map(|samples| samples.median());
        let ratio = if messages == 0 { String::new() } else { times(all, checks) };
        row(&[&messages, &us(screen), &us(all), &us(checks), &ratio, &us(said)]);
    }
    Ok(())
}

/// Has so many messages said, by as many guests as may say that much at once.
async fn talk(host: &Host, messages: usize) -> Outcome<Vec<Guest>> {
    let (link, mut crowd, mut said) = (host.share(Terms::new(Access::Interact))?, Vec::new(), 0);
    while said < messages {
        let guest = Guest::builder(link.clone()).lan(Lan::Off).start().await?;
        let mine = MESSAGES_PER_AUTHOR.min(messages - said);
        for n in 0..mine {
            guest.session().say(format!("message {n}: what people say to each other").as_str())?;
        }
        said += mine;
        heard(host.session(), said).await?;
        crowd.push(guest);
    }
    Ok(crowd)
}

/// Waits until a session shows so many messages.
async fn heard(session: &Session, messages: usize) -> Outcome {
    let all = async {
        while session.messages().len() < messages {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all).await.map_err(|_| "messages were lost".into())
}

/// Times as many signature checks as there are messages: no newcomer can do with less.
fn check(messages: usize) -> Duration {
    let signer = SigningKey::from_bytes(&[1; 32]);
    let (key, signature) = (signer.verifying_key(), signer.sign(&[2; 32]));
    let start = Instant::now();
    for _ in 0..messages {
        std::hint::black_box(key.verify_strict(std::hint::black_box(&[2; 32]), &signature).is_ok());
    }
    start.elapsed()
}

//! The auth log: a refused record leaves no trace, and a log reads the same a second time.

use crate::cast;
use cahoots::proto::authlog::AuthLog;

/// Records, each behind its length as a `u16`.
pub fn run(data: &[u8]) {
    let mut log = AuthLog::new(cast::session());
    for raw in cast::pieces(data) {
        let (head, next) = (log.head(), log.next_seq());
        match log.append(raw.to_vec().into()) {
            Ok(_) => assert_eq!(log.next_seq(), next + 1),
            Err(_) => assert_eq!((log.head(), log.next_seq()), (head, next)),
        }
    }
    let mut again = AuthLog::new(cast::session());
    for raw in log.records() {
        again.append(raw.clone()).expect("what was taken once is taken again");
    }
    assert_eq!(again.head(), log.head());
}

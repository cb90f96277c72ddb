//! What a test of the suite has to show before it counts: that it attacked, and that its procedure is worth something.
//!
//! [`Trial`] --`fails` for the attacker, `works` for somebody entitled--> [`Held`], which every cell's test returns
//!
//! Always: a [`Held`] stands for at least one attack that failed and at least one control that worked. A test that does
//! nothing cannot make one.

use std::fmt::Debug;
use std::process::{ExitCode, Termination};

/// The attack did not work.
#[must_use]
#[derive(Debug)]
pub(crate) struct Held(());

impl Held {
    /// For the one reason that there is: the machine has no network namespaces, and whoever runs the tests has excused it.
    pub(crate) const fn not_run() -> Self {
        Self(())
    }
}

impl Termination for Held {
    fn report(self) -> ExitCode {
        ExitCode::SUCCESS
    }
}

/// An attack under way.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    attacks: usize,
    controls: usize,
}

impl Trial {
    /// Checks what is true if, and only if, the attack did not work.
    #[track_caller]
    #[allow(clippy::needless_pass_by_value, reason = "attacks hand over what they have just worked out")]
    pub(crate) fn fails<T: Debug + PartialEq>(&mut self, attack: &str, found: T, unharmed: T) {
        assert_eq!(found, unharmed, "the attack works: {attack}");
        self.attacks += 1;
    }

    /// Checks that the attack got nothing at all.
    #[track_caller]
    pub(crate) fn gets_nothing<T: Debug>(&mut self, attack: &str, found: impl IntoIterator<Item = T>) {
        let found: Vec<T> = found.into_iter().take(8).collect();
        assert!(found.is_empty(), "the attack works: {attack}: {found:?}");
        self.attacks += 1;
    }

    /// Checks that the same procedure does work where it should: for somebody entitled, or without the protection.
    #[track_caller]
    pub(crate) fn works(&mut self, control: &str, does: bool) {
        assert!(does, "the control does not work, so the attack proves nothing: {control}");
        self.controls += 1;
    }

    /// Says that the attack was made and did not work.
    #[track_caller]
    pub(crate) fn held(self) -> Held {
        assert!(self.attacks > 0 && self.controls > 0, "nothing was shown: {self:?}");
        Held(())
    }
}

/// Nothing is shown by a trial that has not tried, nor by one that would have failed for anybody.
#[test]
fn empty_trial_does_not_count() {
    let attack_alone = || {
        let mut trial = Trial::default();
        trial.fails("nothing", 1, 1);
        trial.held()
    };
    let control_alone = || {
        let mut trial = Trial::default();
        trial.works("something", true);
        trial.held()
    };
    for vain in [|| Trial::default().held(), attack_alone, control_alone] {
        assert!(std::panic::catch_unwind(vain).is_err());
    }
}

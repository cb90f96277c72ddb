//! What a host's peer has and a guest's has not.
//!
//! Always: in a build that cannot host it is empty, and the compiler knows: all that only hosts do is left out.

/// Whether a peer of this build can host. Whoever builds nothing but guests, as the browser's viewer is, sets the
/// compiler's `--cfg cahoots_guest_only`; no feature, as features of a crate add up over a build.
const CAN_HOST: bool = !cfg!(cahoots_guest_only);

/// A part of a host's peer; of a guest's, nothing.
pub(super) struct HostOnly<T>(Option<T>);

impl<T> HostOnly<T> {
    /// What a guest has.
    pub(super) const NONE: Self = Self(None);

    /// Gives a host's peer its part.
    pub(super) const fn new(part: T) -> Self {
        Self(Some(part))
    }

    pub(super) const fn as_ref(&self) -> Option<&T> {
        if CAN_HOST { self.0.as_ref() } else { None }
    }

    pub(super) const fn as_mut(&mut self) -> Option<&mut T> {
        if CAN_HOST { self.0.as_mut() } else { None }
    }

    pub(super) const fn is_some(&self) -> bool {
        self.as_ref().is_some()
    }

    pub(super) const fn is_none(&self) -> bool {
        self.as_ref().is_none()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.as_ref().into_iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.as_mut().into_iter()
    }
}

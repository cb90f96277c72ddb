//! authlog

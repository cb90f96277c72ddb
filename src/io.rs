//! Shells: sockets, clocks, files and processes around the machines of `proto`.

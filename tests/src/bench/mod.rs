//! Benchmarks: what each stage costs beside a copy of the same shape, and what the whole process does.
//!
//! Place: run by `make bench`, in one run on one machine. Ratios and counts are what to trust (performance.md §1);
//! nothing here asserts a speed.

pub mod cluster;
pub mod cpu;
pub mod publish;
pub mod pure;
pub mod whole;

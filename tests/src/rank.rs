//! The value at a rank of many: what `p50` and `p99` mean in every drill and benchmark.
//!
//! Place: below their lines of output. Measures nothing.

/// The value below which, or at which, at least so many of a hundred lie; 0 of none.
#[must_use]
pub fn at(sorted: &[f64], share: usize) -> f64 {
    let rank = (sorted.len() * share).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ninety_ninth_of_thirty_is_the_worst() {
        let values: Vec<f64> = (1..=30).map(f64::from).collect();
        assert_eq!((at(&values, 50), at(&values, 99), at(&values, 100)), (15.0, 30.0, 30.0));
        assert_eq!(at(&[], 99), 0.0);
        assert_eq!(at(&[7.0], 50), 7.0);
    }
}

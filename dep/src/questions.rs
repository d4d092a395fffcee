//! The questions of analysts, one SQL statement each, compiled in so that tests and documents use the same text.
//!
//! Place: beside the views they ask. Parameters are named `:tenant`, `:class` and so on; nothing here runs them. Q1, Q7
//! and Q10 need content metadata or competencies and are not asked yet.

/// Name and statement of every question of domain.md §9 that can be asked.
pub const QUESTIONS: &[(&str, &str)] = &[
    ("Q2", include_str!("../questions/Q2.sql")),
    ("Q3", include_str!("../questions/Q3.sql")),
    ("Q4", include_str!("../questions/Q4.sql")),
    ("Q5", include_str!("../questions/Q5.sql")),
    ("Q6", include_str!("../questions/Q6.sql")),
    ("Q8", include_str!("../questions/Q8.sql")),
    ("Q9", include_str!("../questions/Q9.sql")),
    ("Q11", include_str!("../questions/Q11.sql")),
];

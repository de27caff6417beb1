//! The shape of plans.

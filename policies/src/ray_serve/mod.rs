//! The autoscaling of Ray Serve (`ray` 2.60.0).

//! AWS Application Auto Scaling: target tracking and step scaling, from its documents.

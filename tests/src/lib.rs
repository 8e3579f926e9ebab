//! What the scenarios share: a running brokerd, its containers, and clients.

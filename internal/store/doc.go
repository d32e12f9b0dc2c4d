// Package store is the one file on disk: the state of every machine's rules,
// what Prodsmart was told and is being told, the journal, the posts, and a few
// facts about the store itself. It promises that what Commit accepted survives
// a kill and a power cut, that damage is found at start and never turns into a
// silent zero, that the file stays within its bounds, and that a full disk
// costs history before it costs a count.
//
// It is not a cache, not a queue and not a place for configuration or secrets.
// It does not know what a machine's state means: the bytes belong to mapping.
//
// Beside the file NAME lie NAME-wal and NAME-shm (SQLite's own), NAME.backup
// (a copy of states and records, renewed while the store is open),
// NAME.reserve (room given up when the disk is full), gateway.lock (the one
// writer), and, after trouble, NAME.damaged-TIME (set aside, never deleted) and
// NAME.before-vN (the copy taken before a schema change).
package store

//go:build race

package store

// raceDetector makes SQLite about ten times slower, so the long tests take
// fewer of their steps.
const raceDetector = true

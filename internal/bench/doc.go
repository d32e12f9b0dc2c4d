// Package bench measures the whole program against its bars: what a second of
// ten thousand changing tags costs beside a bare client of the same library, how
// long a check and a start take, and whether memory stays flat over a month. Its
// code turns the output of go test -bench into a page of documentation; the
// benchmarks themselves are its tests. It is no part of what users run.
package bench

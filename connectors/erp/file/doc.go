// Package file reads orders from a drop folder: CSV, Excel workbooks (.xlsx) and
// B2MML schedules (XML) that a business system, or a person, puts there.
//
// A file is taken when it is finished, by a rename into a work folder, read from
// there, and moved to the archive or to the error folder, with a text beside it
// that says what was wrong and where, after the caller kept what was in it. A
// file in the work folder is read again after a crash; it leaves the work folder
// only when the mark of the caller names it. So nothing is lost between two
// steps, and nothing counts twice.
//
// It never watches a folder by itself, writes into files of others, or decides
// what an order that is missing means: only a snapshot that was read to its end,
// with the count of rows that was demanded, says that it is complete.
package file

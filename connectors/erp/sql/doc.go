// Package sql reads orders, products and stock from one view each of a database:
// PostgreSQL, SQL Server, MySQL or MariaDB, and SQLite.
//
// It only ever selects from the views that are configured, in a transaction that
// can not write where the server knows such a thing. It never writes back, keeps
// no connection from one read to the next, and makes one attempt.
package sql

// Package web is the part that business systems behind HTTP have in common: one
// bounded exchange whose failures say what they mean for the caller, and JSON
// read loosely, with the place of everything in it.
//
// It makes one attempt, follows no redirect to another computer, and never puts
// an address with its query into an error: keys and passwords stand there.
package web

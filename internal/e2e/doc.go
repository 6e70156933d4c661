// Package e2e holds the tests that need everything at once: the plimsoll command,
// a real daemon with the frontend image pulled from a registry, real clients, and
// containers. It has no code of its own.
package e2e

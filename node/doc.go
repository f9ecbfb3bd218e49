// Package node is what a node does once its machine is up: it finds its fleet, joins the log,
// folds the control log into what should run here, converges to that, and serves the HTTP API.
//
// [Run] lives as long as the node. Within it a session is one membership in one log: it begins
// when the fleet's agent says which log to carry or join, and ends with the node, or when the log
// gives way to another one.
package node

// Package fleet knows who is out there and who may speak.
//
// A fleet is the nodes that share one root of trust and one log. The operator keeps its key in a
// Store; every node carries a Membership (the file fleet.json). An Agent announces its node by
// mDNS, finds the others, asks each for its Hello, which is proved with the fleet's token, and
// decides with them who carries the log (Step is that decision as a pure function).
//
// Words: a boot is the nonce that one run of a node chooses; a proposal names the nodes that
// should carry a log; an incarnation is the hash of a proposal and names the log that it forms.
package fleet

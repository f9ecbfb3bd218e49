// Package queue is the log that a fleet's nodes carry together: streams of records, blobs by
// digest, and the signed control records that say what should be.
//
// It is NATS JetStream, embedded: a log server runs [StartServer]; every node, server or not,
// opens a [Log]. Nothing else in the tree knows NATS.
//
// The words: a record is an entry of a stream; its sequence is its place there, counted from 1;
// a partition is one of a stream's ordered parts, chosen by the record's key; a checkpoint is
// the last sequence of a partition that a reader has finished with.
//
// Names on the server. A user stream NAME is the JetStream stream `s_NAME`; appends go to the
// subject `in.NAME.KEYTOKEN` and are stored under `s.NAME.PARTITION.KEYTOKEN`, where the server
// computes PARTITION from KEYTOKEN. The system's own streams are `capo_control` (subjects
// `control.CLASS.TARGET`), `capo_state` (last value only: `state.node.ID`, `state.ckpt.JOB.STREAM.PARTITION`),
// `capo_results` (`result.SEQ.NODE`), `capo_logs` (`log.NODE.JOB`) and the object store
// `capo_blobs`. A dot in a name is written `~` where NATS gives the dot a meaning.
package queue

import "errors"

// The errors that callers tell apart.
var (
	// ErrNotFound: no such stream, record or blob.
	ErrNotFound = errors.New("not found")
	// ErrFull: the stream holds as much as it may, and nothing in it was passed by every reader.
	ErrFull = errors.New("stream is full")
	// ErrTooLarge: a record or blob over its limit.
	ErrTooLarge = errors.New("too large")
	// ErrConflict: a compare-and-set met another value.
	ErrConflict = errors.New("conflict")
	// ErrDigest: bytes that do not have the digest they are named by.
	ErrDigest = errors.New("digest does not match")
	// ErrUnavailable: the log has no leader at the moment, or is not reachable.
	ErrUnavailable = errors.New("log is not reachable")
)

// Limits of the log.
const (
	// MaxRecord is the largest body, in bytes, that a record carries itself; a larger one
	// becomes a blob.
	MaxRecord = 1 << 20
	// MaxBlob is the largest blob in bytes.
	MaxBlob = 64 << 20
	// DefaultPartitions is the number of partitions of a stream unless said otherwise.
	DefaultPartitions = 8
	// ClientPort and RoutePort are where log servers listen.
	ClientPort = 4222
	RoutePort  = 6222
)

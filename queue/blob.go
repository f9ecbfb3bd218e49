package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/capodekappa/capo/queue/control"
)

// PutBlob keeps data under its digest, which must be the one given. Keeping it twice is the
// same as once. Errors: [ErrDigest], [ErrTooLarge], [ErrFull], [ErrUnavailable].
func (l *Log) PutBlob(ctx context.Context, digest string, data []byte) error {
	if len(data) > MaxBlob {
		return fmt.Errorf("blob %s: %w: %d bytes, at most %d", digest, ErrTooLarge, len(data), MaxBlob)
	}
	if got := control.Digest(data); got != digest {
		return fmt.Errorf("blob %s: %w: its bytes have %s", digest, ErrDigest, got)
	}
	for start := time.Now(); ; {
		err := l.putBlob(ctx, digest, data)
		if err == nil {
			return nil
		}
		if !transient(err) || ctx.Err() != nil || time.Since(start) > blobPatience {
			return fmt.Errorf("blob %s: %w", digest, wrap(err))
		}
	}
}

// blobPatience is for how long a blob is tried again where servers do not answer: until the others have noticed that
// one of them is cut off.
const blobPatience = 10 * time.Second

// putBlob tries once. A request that goes to a server which has just been cut off is not answered, so each is
// given a time of its own.
func (l *Log) putBlob(ctx context.Context, digest string, data []byte) error {
	look, cancel := context.WithTimeout(ctx, requestLimit)
	info, err := l.blobs.GetInfo(look, digest)
	cancel()
	if err == nil && info.Size == uint64(len(data)) {
		return nil
	}
	try, cancel := context.WithTimeout(ctx, 2*time.Second+time.Duration(len(data)>>20)*time.Second)
	defer cancel()
	_, err = l.blobs.Put(try, jetstream.ObjectMeta{Name: digest}, bytes.NewReader(data))
	return err
}

// Blob reads a blob and checks its digest. Errors: [ErrNotFound], [ErrDigest], [ErrTooLarge],
// [ErrUnavailable].
func (l *Log) Blob(ctx context.Context, digest string) ([]byte, error) {
	if !control.ValidDigest(digest) {
		return nil, fmt.Errorf("blob %q: %w: a digest is 64 hexadecimal digits", digest, ErrDigest)
	}
	obj, err := l.blobs.Get(ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", digest, wrap(err))
	}
	defer obj.Close()
	data, err := io.ReadAll(io.LimitReader(obj, MaxBlob+1))
	switch {
	case errors.Is(err, jetstream.ErrDigestMismatch):
		return nil, fmt.Errorf("blob %s: %w", digest, ErrDigest)
	case err != nil:
		return nil, fmt.Errorf("blob %s: %w", digest, wrap(err))
	case len(data) > MaxBlob:
		return nil, fmt.Errorf("blob %s: %w: over %d bytes", digest, ErrTooLarge, MaxBlob)
	}
	if got := control.Digest(data); got != digest {
		return nil, fmt.Errorf("blob %s: %w: its bytes have %s", digest, ErrDigest, got)
	}
	return data, nil
}

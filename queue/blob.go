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
	try, cancel := context.WithTimeout(ctx, tryTime(len(data)))
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
	for start := time.Now(); ; {
		data, err := l.getBlob(ctx, digest)
		if err == nil {
			return data, nil
		}
		patience := blobPatience
		if errors.Is(err, jetstream.ErrObjectNotFound) {
			patience = lagging
		} else if !transient(err) {
			patience = 0
		}
		if ctx.Err() != nil || time.Since(start) > patience {
			return nil, fmt.Errorf("blob %s: %w", digest, wrap(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// lagging is for how long a server may not know a blob yet that a majority of them has.
const lagging = time.Second

// getBlob tries once. The client takes no notice of ctx's end while it reads, so it is left to its own end,
// which the time of one try bounds.
func (l *Log) getBlob(ctx context.Context, digest string) ([]byte, error) {
	type answer struct {
		data []byte
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		data, err := l.readBlob(ctx, digest)
		done <- answer{data, err}
	}()
	select {
	case a := <-done:
		return a.data, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (l *Log) readBlob(ctx context.Context, digest string) ([]byte, error) {
	look, cancel := context.WithTimeout(ctx, 2*requestLimit)
	info, err := l.blobs.GetInfo(look, digest)
	cancel()
	if err != nil {
		return nil, err
	}
	if info.Size > MaxBlob {
		return nil, fmt.Errorf("%w: over %d bytes", ErrTooLarge, MaxBlob)
	}
	try, cancel := context.WithTimeout(ctx, tryTime(int(info.Size)))
	defer cancel()
	obj, err := l.blobs.Get(try, digest)
	if err != nil {
		return nil, err
	}
	defer obj.Close()
	data, err := io.ReadAll(io.LimitReader(obj, MaxBlob+1))
	if errors.Is(err, jetstream.ErrDigestMismatch) || err == nil && control.Digest(data) != digest {
		return nil, fmt.Errorf("%w: its bytes are others", ErrDigest)
	}
	return data, err
}

// tryTime is how long one try to carry that many bytes may take.
func tryTime(bytes int) time.Duration {
	return 2*time.Second + time.Duration(bytes>>20)*time.Second
}

package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Seal has the control log take no more records, for ever.
func (l *Core) Seal(ctx context.Context) error {
	if err := l.seal(ctx, controlStream); err != nil {
		return fmt.Errorf("seal the control log: %w", wrap(err))
	}
	return nil
}

// Seal has every user stream take no more records, for ever, so that who reads them afterwards
// has all that was ever acknowledged. Appends are refused with [ErrUnavailable] from then on.
func (l *Log) Seal(ctx context.Context) error {
	var names []string
	list := l.js.StreamNames(ctx, jetstream.WithStreamListSubject("in.>"))
	for name := range list.Name() {
		names = append(names, name)
	}
	var errs []error
	if err := list.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		errs = append(errs, fmt.Errorf("seal the log: list its streams: %w", wrap(err)))
	}
	for _, name := range names {
		if err := l.seal(ctx, name); err != nil {
			errs = append(errs, fmt.Errorf("seal stream %s: %w", name, wrap(err)))
		}
	}
	return errors.Join(errs...)
}

func (l *link) seal(ctx context.Context, name string) error {
	for {
		str, err := l.stream(ctx, name)
		if err != nil {
			return err
		}
		cfg := str.CachedInfo().Config
		if cfg.Sealed {
			return nil
		}
		cfg.Sealed = true
		try, cancel := context.WithTimeout(ctx, 2*requestLimit)
		_, err = l.js.UpdateStream(try, cfg)
		cancel()
		if err == nil || !transient(err) || ctx.Err() != nil {
			return err
		}
	}
}

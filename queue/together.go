package queue

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// startSubject is where servers tell each other that they are there, before there is a log.
const startSubject = "capo.start"

// startEvery is how often they say it.
const startEvery = 40 * time.Millisecond

// awaitPeers waits until each server of the log has said that it hears all the others, so that they start
// JetStream at about the same time.
func (s *Server) awaitPeers(ctx context.Context, cfg ServerConfig) error {
	if len(cfg.Peers) < 2 || cfg.Join {
		return nil
	}
	nc, err := nats.Connect("", append(s.own(userCore), nats.Name(cfg.Name+"-start"), nats.Timeout(30*time.Second))...)
	if err != nil {
		return fmt.Errorf("log server %s: %w", cfg.Name, err)
	}
	defer nc.Close()
	sub, err := nc.SubscribeSync(startSubject)
	if err != nil {
		return fmt.Errorf("log server %s: %w", cfg.Name, err)
	}
	heard, ready := map[string]bool{}, map[string]bool{} // who is there; who hears all
	for len(ready) < len(cfg.Peers) {
		if ctx.Err() != nil {
			return fmt.Errorf("log server %s heard %d of %d servers: %w", cfg.Name, len(heard), len(cfg.Peers), context.Cause(ctx))
		}
		if err := nc.Publish(startSubject, word(cfg.Name, len(heard) == len(cfg.Peers))); err != nil {
			return fmt.Errorf("log server %s: %w", cfg.Name, err)
		}
		for end := time.Now().Add(startEvery); time.Now().Before(end); {
			msg, err := sub.NextMsg(time.Until(end))
			if err != nil {
				break
			}
			name, hearsAll := strings.CutSuffix(string(msg.Data), hearsAllMark)
			heard[name] = true
			if hearsAll {
				ready[name] = true
			}
		}
	}
	// Those that have not heard the last of it yet hear it at once.
	if err := nc.Publish(startSubject, word(cfg.Name, true)); err != nil {
		return fmt.Errorf("log server %s: %w", cfg.Name, err)
	}
	return nc.FlushTimeout(time.Second)
}

// hearsAllMark follows the name of a server that hears all others.
const hearsAllMark = " hears all"

func word(name string, hearsAll bool) []byte {
	if hearsAll {
		return []byte(name + hearsAllMark)
	}
	return []byte(name)
}

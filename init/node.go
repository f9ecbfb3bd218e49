package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/capodekappa/capo/init/build"
	"github.com/capodekappa/capo/jsrt/cell"
	"github.com/capodekappa/capo/node"
)

// exitCode carries a cell's exit code to main.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// runCell is a cell: a confined child process of a node.
func runCell(args []string) error {
	if code := cell.Main(args); code != 0 {
		return exitCode(code)
	}
	return nil
}

// runHost is a node as a plain process: --config names its configuration.
func runHost(args []string) error {
	flags := flag.NewFlagSet("host", flag.ContinueOnError)
	path := flags.String("config", "", "the node's configuration, JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *path == "" {
		return errors.New("host node: --config FILE is needed")
	}
	file, err := node.ReadHostFile(*path)
	if err != nil {
		return err
	}
	cfg, err := file.Config()
	if err != nil {
		return err
	}
	cfg.Arch, cfg.Version = runtime.GOARCH, build.Version()
	cfg.Level = &slog.LevelVar{}
	if cfg.Log, err = hostLog(file, cfg.Level); err != nil {
		return err
	}
	life := newHostLife(file.TTL())
	cfg.Poweroff = life.poweroff
	if canBeginAnew {
		cfg.Reboot = life.reboot
	}
	ctx, stop := signal.NotifyContext(life.ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	err = node.Run(ctx, cfg)
	stop()
	return life.after(err)
}

// hostLog is the node's log; the file says its level at first.
func hostLog(f node.HostFile, level *slog.LevelVar) (*slog.Logger, error) {
	out := os.Stderr
	if f.Log != "" {
		var err error
		if out, err = os.OpenFile(f.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return nil, fmt.Errorf("host node %s: log: %w", f.ID, err)
		}
	}
	if f.Level != "" {
		if err := level.UnmarshalText([]byte(f.Level)); err != nil {
			return nil, fmt.Errorf("host node %s: level: %w", f.ID, err)
		}
	}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level})).With("id", f.ID), nil
}

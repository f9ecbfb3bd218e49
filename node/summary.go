package node

import (
	"fmt"
	"slices"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/node/api"
)

// sumUp makes a job's row from what should be and what the nodes report.
func sumUp(j desiredJob, all, live []heartbeat, detail bool) api.Job {
	row := api.Job{Name: j.manifest.Name, Version: j.version, Generation: j.generation, Nodes: []string{}}
	belongs, err := place(j.manifest, live)
	if err != nil || j.stopped {
		belongs = nil
	}
	states := map[string]int{}
	missing := map[string]string{}
	for _, b := range all {
		report, there := b.Stats[row.Name]
		if b.State == fleet.StateLost {
			continue
		}
		placed := slices.Contains(belongs, b.ID)
		if there && report.Generation == j.generation {
			add(&row, report, detail)
			states[report.State]++
			if report.State == api.JobRunning || report.State == api.JobDegraded {
				row.Nodes = append(row.Nodes, b.ID)
				continue
			}
		}
		if placed && report.Waits != "" {
			row.Waits = report.Waits
		}
		if placed {
			missing[b.ID] = whyMissing(report, there, j.generation)
		}
		if j.stopped && there {
			missing[b.ID] = "still stopping"
		}
	}
	row.State = jobState(j.stopped, states, len(belongs), len(missing))
	if detail {
		row.Versions = j.history
		if len(row.Versions) > 0 && !j.stopped {
			row.Versions[len(row.Versions)-1].State = row.State
		}
		if len(missing) > 0 {
			row.Missing = missing
		}
	}
	return row
}

// add counts one node's report in.
func add(row *api.Job, r jobReport, detail bool) {
	row.Lag += r.Lag
	row.InPerS += r.InPerS
	row.OutPerS += r.OutPerS
	row.Errors += r.Errors
	row.Restarts += r.Restarts
	row.P50MS = max(row.P50MS, r.P50MS)
	row.P99MS = max(row.P99MS, r.P99MS)
	if detail && r.LastError != nil && (row.LastError == nil || r.LastError.Time.After(row.LastError.Time)) {
		row.LastError = r.LastError
	}
}

func whyMissing(report jobReport, there bool, generation uint64) string {
	switch {
	case !there:
		return "has not begun"
	case report.Generation != generation:
		return fmt.Sprintf("is at generation %d", report.Generation)
	case report.Waits != "":
		return report.Waits
	case report.LastError != nil:
		return report.State + ": " + report.LastError.Message
	}
	return report.State
}

func jobState(stopped bool, states map[string]int, belongs, missing int) string {
	switch {
	case stopped:
		return api.JobStopped
	case states[api.JobParked] > 0 && states[api.JobRunning]+states[api.JobDegraded] == 0:
		return api.JobParked
	case states[api.JobRunning]+states[api.JobDegraded] == 0:
		return api.JobPending
	case states[api.JobParked] > 0 || states[api.JobDegraded] > 0 || missing > 0:
		return api.JobDegraded
	}
	return api.JobRunning
}

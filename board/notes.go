package board

import (
	"embed"
	"encoding/json"
)

// notes are apart from the boards themselves, as a node has no use for them.
//
//go:embed */NOTES.md
var notes embed.FS

// Notes returns what NOTES.md of a board says to people, and after it those of the folders that it inherits from: pins, consoles,
// switches, how to flash it, what is known not to work, what was tested, and where all that is from. It is empty where there
// is none.
func Notes(name string) string {
	text, next := "", name
	for file := name + "/board.json"; next != ""; file = next + "/base.json" {
		if own, err := notes.ReadFile(next + "/NOTES.md"); err == nil {
			if text != "" {
				text += "\n"
			}
			text += string(own)
		}
		data, err := files.ReadFile(file)
		if err != nil {
			break
		}
		var b struct{ Inherits string }
		_ = json.Unmarshal(data, &b) // what cannot be read inherits nothing
		next = b.Inherits
	}
	return text
}

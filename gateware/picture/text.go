package picture

import (
	"strings"
	"unicode/utf8"
)

// Text draws rows with the characters of a terminal.
func Text(title string, rows []Row) string {
	var b strings.Builder
	b.WriteString(title + "\n")
	for _, row := range rows {
		for line := range row.height() + 2 {
			b.WriteString("  ")
			for i, box := range row {
				if i > 0 {
					b.WriteString(arrow(line == 1))
				}
				b.WriteString(box.textLine(line, row.height()))
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func arrow(here bool) string {
	if here {
		return "──▶"
	}
	return "   "
}

// height is the number of text lines in the row's boxes.
func (r Row) height() int {
	h := 0
	for _, b := range r {
		h = max(h, 1+len(b.Lines))
	}
	return h
}

// texts are a box's lines, the title first.
func (b Box) texts() []string { return append([]string{b.Title}, b.Lines...) }

func (b Box) width() int {
	w := 0
	for _, t := range b.texts() {
		w = max(w, utf8.RuneCountInString(t))
	}
	return w
}

// textLine is one line of a box, its frame included; height is that of its row.
func (b Box) textLine(line, height int) string {
	w := b.width()
	switch line {
	case 0:
		return "┌" + strings.Repeat("─", w+2) + "┐"
	case height + 1:
		return "└" + strings.Repeat("─", w+2) + "┘"
	}
	text := ""
	if all := b.texts(); line <= len(all) {
		text = all[line-1]
	}
	left, right := "│", "│"
	return left + " " + text + strings.Repeat(" ", w-utf8.RuneCountInString(text)) + " " + right
}

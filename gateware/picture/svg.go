package picture

import (
	"fmt"
	"html"
	"strings"
)

// Sizes of the drawing, in pixels.
const (
	letter = 7.3 // a letter's width at a font size of 12
	line   = 17
	gap    = 44 // between boxes
	margin = 16
)

// SVG draws rows as an image that any browser shows, without a script or a font of its own.
func SVG(title string, rows []Row) []byte {
	var body strings.Builder
	y, width := float64(margin+2*line), float64(len(title))*letter+2*margin
	for i, row := range rows {
		height := float64(row.height()*line + 12)
		x := float64(margin)
		for k, box := range row {
			w := float64(box.width())*letter + 20
			if k > 0 {
				at := y + height/2
				fmt.Fprintf(&body, "<path d=\"M%.0f %.0fh%d\" class=\"a\" marker-end=\"url(#h)\"/>\n", x+2, at, gap-10)
				x += gap
			}
			drawBox(&body, box, x, y, w, height)
			x += w
		}
		width = max(width, x+margin)
		y += height
		if i < len(rows)-1 {
			fmt.Fprintf(&body, "<path d=\"M%.0f %.0fv%d\" class=\"a\" marker-end=\"url(#h)\"/>\n", float64(margin+24), y+2, gap-22)
			y += gap - 12
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "<svg xmlns=\"http://www.w3.org/2000/svg\" xml:space=\"preserve\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n", width, y+margin, width, y+margin)
	out.WriteString("<style>text{font:12px monospace;fill:#222}.t{font-weight:bold}rect{fill:#f4f6fa;stroke:#456}.a{stroke:#456;stroke-width:1.5;fill:none}</style>\n" +
		"<defs><marker id=\"h\" viewBox=\"0 0 8 8\" refX=\"6\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#456\"/></marker></defs>\n" +
		"<rect x=\"0\" y=\"0\" width=\"100%\" height=\"100%\" style=\"fill:#fff;stroke:none\"/>\n")
	fmt.Fprintf(&out, "<text x=\"%d\" y=\"%d\" class=\"t\">%s</text>\n", margin, margin+line, html.EscapeString(title))
	out.WriteString(body.String())
	out.WriteString("</svg>\n")
	return []byte(out.String())
}

func drawBox(b *strings.Builder, box Box, x, y, w, h float64) {
	fmt.Fprintf(b, "<rect x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" rx=\"5\"/>\n", x, y, w, h)
	for i, text := range box.texts() {
		class := ""
		if i == 0 {
			class = " class=\"t\""
		}
		fmt.Fprintf(b, "<text x=\"%.0f\" y=\"%.0f\"%s>%s</text>\n", x+10, y+float64((i+1)*line), class, html.EscapeString(text))
	}
}

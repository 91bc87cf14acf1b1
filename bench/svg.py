"""A drawing: SVG by plain python, one element a line."""


class Drawing:
    """White, of so many pixels; elements in the order they are added, later ones on top."""

    def __init__(self, width, height):
        self.parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
                      'font-family="sans-serif" font-size="12">',
                      '<rect width="100%" height="100%" fill="white"/>']

    def text(self, x, y, text, anchor="start", bold=False):
        text = str(text).replace("&", "&amp;").replace("<", "&lt;")
        weight = ' font-weight="bold"' if bold else ""
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{text}</text>')

    def line(self, points, colour, width=1, dashes=""):
        """Through all points; dashes as SVG writes them: "5 3"."""
        through = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.parts.append(f'<polyline points="{through}" fill="none" stroke="{colour}" '
                          f'stroke-width="{width}"{dashed}/>')

    def box(self, x, y, width, height, colour):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
                          f'fill="{colour}"/>')

    def dot(self, x, y, colour, radius=4):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>')

    def write(self, path):
        path.write_text("\n".join(self.parts + ["</svg>", ""]), encoding="utf-8")

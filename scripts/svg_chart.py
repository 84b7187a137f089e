"""Charts as SVG elements, for what scripts and benchmarks measure over time."""

LEFT, WIDTH, HEIGHT = 70, 650, 190


def axis_top(highest):
    """The next of 1, 2, 5, 10, 20, ..."""
    step = 1
    while step < highest:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return step


def panel(lines, title, top, label):
    """One chart, its upper edge at `top`: `lines` are (color, [(x, y), ...]); `label` writes a place on the x axis."""
    end = max((x for _, points in lines for x, _ in points), default=0) or 1
    most = axis_top(max((y for _, points in lines for _, y in points), default=0))
    parts = [f'<text x="{LEFT}" y="{top - 8}" font-weight="bold">{title}</text>',
             f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>']
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = top + HEIGHT - share * HEIGHT
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + WIDTH}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{most * share:g}</text>')
        parts.append(f'<text x="{LEFT + share * WIDTH:.1f}" y="{top + HEIGHT + 16}" text-anchor="middle">'
                     f"{label(end * share)}</text>")
    for color, points in lines:
        drawn = " ".join(f"{LEFT + x / end * WIDTH:.1f},{top + HEIGHT - y / most * HEIGHT:.1f}" for x, y in points)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{color}" stroke-width="1.5"/>')
    return parts


def page(title, height, parts):
    """The whole file."""
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{height}" font-family="sans-serif" font-size="12">',
                      f'<rect width="760" height="{height}" fill="white"/>', f'<text x="{LEFT}" y="22">{title}</text>', *parts,
                      "</svg>"]) + "\n"

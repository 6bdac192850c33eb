// What can be read of an SVG, put alone on this page: one fault a string. Lengths are CSS pixels at the natural size.
([svg, smallest]) => {
  const root = document.adoptNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement);
  if (root.tagName !== "svg") throw new Error(root.textContent);
  document.body.replaceChildren(root);
  const frame = root.getBoundingClientRect();
  const pen = document.createElementNS("http://www.w3.org/1999/xhtml", "canvas").getContext("2d");
  const slack = 0.5; // half a pixel is nothing that an eye sees
  const faults = [];

  const inside = (a, b) =>
    a.left >= b.left - slack && a.right <= b.right + slack && a.top >= b.top - slack && a.bottom <= b.bottom + slack;
  const meet = (a, b) =>
    a.left < b.right - slack && b.left < a.right - slack && a.top < b.bottom - slack && b.top < a.bottom - slack;
  const union = (boxes) => ({
    left: Math.min(...boxes.map((b) => b.left)),
    right: Math.max(...boxes.map((b) => b.right)),
    top: Math.min(...boxes.map((b) => b.top)),
    bottom: Math.max(...boxes.map((b) => b.bottom)),
  });

  // The ink of a text: as wide as it is laid out, as high as its own letters are, not as the font's highest and lowest.
  const ink = (text) => {
    const style = getComputedStyle(text);
    const matrix = text.getScreenCTM();
    const size = parseFloat(style.fontSize) * matrix.d;
    pen.font = `${style.fontStyle} ${style.fontWeight} ${size}px ${style.fontFamily}`;
    const letters = pen.measureText(text.textContent.trim());
    const baseline = text.getStartPositionOfChar(0).matrixTransform(matrix).y;
    const { left, right } = text.getBoundingClientRect();
    const [top, bottom] = [baseline - letters.actualBoundingBoxAscent, baseline + letters.actualBoundingBoxDescent];
    return { left, right, top, bottom, size };
  };

  const shown = (element) => {
    const style = getComputedStyle(element);
    const painted = (paint) => paint !== "none" && !/^rgba\(.*, 0\)$/.test(paint);
    return style.visibility !== "hidden" && (element.tagName === "text" || painted(style.fill) || painted(style.stroke));
  };
  const shapes = (element) => [...element.querySelectorAll("polygon, polyline, path, ellipse, rect, image")].filter(shown);
  const quote = (text) => `"${text.length > 40 ? text.slice(0, 37) + "..." : text}"`;

  const nodes = [...document.querySelectorAll("g.node")].map((element) => {
    const outline = shapes(element).map((shape) => shape.getBoundingClientRect());
    return { element, box: outline.length ? union(outline) : null };
  });
  const clusters = [...document.querySelectorAll("g.cluster")].map((element) => {
    return { element, box: union(shapes(element).map((shape) => shape.getBoundingClientRect())) };
  });
  const owners = new Map([...nodes, ...clusters].map((owner) => [owner.element, owner]));
  const texts = [...document.querySelectorAll("text")]
    .filter((text) => text.textContent.trim() && shown(text))
    .map((text) => ({ said: quote(text.textContent.trim()), box: ink(text), owner: owners.get(text.closest("g.node, g.cluster")) }));

  for (const { said, box, owner } of texts) {
    if (box.size < smallest - 0.01) faults.push(`${said} is ${box.size.toFixed(1)} px high, less than ${smallest}`);
    if (!inside(box, frame)) faults.push(`${said} is clipped by the edge of the picture`);
    if (owner && owner.box && !inside(box, owner.box)) faults.push(`${said} does not lie inside its box`);
    for (const node of nodes)
      if (node !== owner && node.box && meet(box, node.box)) faults.push(`${said} is under or over another node`);
  }
  const sorted = [...texts].sort((a, b) => a.box.top - b.box.top);
  sorted.forEach((a, i) => {
    for (let j = i + 1; j < sorted.length && sorted[j].box.top < a.box.bottom; j++)
      if (meet(a.box, sorted[j].box)) faults.push(`${a.said} and ${sorted[j].said} intersect`);
  });
  for (const shape of shapes(root))
    if (!inside(shape.getBoundingClientRect(), frame)) faults.push(`a ${shape.tagName} is clipped by the edge of the picture`);

  // Edges, looked at in small steps.
  for (const path of document.querySelectorAll("g.edge path")) {
    const matrix = path.getScreenCTM();
    const length = path.getTotalLength();
    const near = path.getBoundingClientRect();
    const candidates = texts.filter((t) => meet(t.box, { ...near.toJSON(), right: near.right + 1, bottom: near.bottom + 1, left: near.left - 1, top: near.top - 1 }));
    for (let at = 0; candidates.length && at <= length; at += 1.5) {
      const { x, y } = path.getPointAtLength(at).matrixTransform(matrix);
      for (const t of candidates)
        if (x > t.box.left && x < t.box.right && y > t.box.top && y < t.box.bottom) faults.push(`${t.said} has an edge running through it`);
    }
  }
  return {
    width: frame.width,
    height: frame.height,
    nodes: nodes.length,
    texts: texts.length,
    font: Math.min(...texts.map((t) => t.box.size)),
    faults: [...new Set(faults)],
  };
}

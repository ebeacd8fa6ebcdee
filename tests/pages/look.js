// What is wrong with the page, as far as its layout tells. Every function returns lines of text.
globalThis.look = (() => {
  const THUMB = 44; // CSS pixels: WCAG 2.5.5
  const LETTERS = 16; // CSS pixels: the least that is read with ease
  const RING = 2; // CSS pixels: WCAG 2.4.13
  const CONTRAST = 3; // of what is no text: WCAG 1.4.11

  const name = (element) => {
    const words = (element.innerText || element.name || element.id || "").trim().slice(0, 30);
    return `<${element.tagName.toLowerCase()}> ${words}`.trim();
  };
  const shown = (element) => element.checkVisibility() && element.getClientRects().length > 0;
  const every = (selector) => [...document.querySelectorAll(selector)].filter(shown);
  const own = (element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const size = (element) => parseFloat(getComputedStyle(element).fontSize);

  // A link within a sentence is as high as its line (WCAG 2.5.8).
  const inSentence = (link) =>
    link.tagName === "A" && getComputedStyle(link).display === "inline" && own(link.parentElement);
  const touched = (element) =>
    ["checkbox", "radio"].includes(element.type) && element.labels.length
      ? element.labels[0]
      : element;

  const layout = () => {
    const found = [];
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > room) {
      const wide = every("body *").filter((each) => each.getBoundingClientRect().right > room + 1);
      found.push(`scrolls sideways: ${wide.map(name).slice(-3).join(", ")}`);
    }
    for (const each of every("a[href], button, input, select, textarea, summary")) {
      const box = touched(each).getBoundingClientRect();
      if (!inSentence(each) && (box.width < THUMB - 0.5 || box.height < THUMB - 0.5)) {
        found.push(`too small for a thumb: ${name(each)} ${box.width} x ${box.height}`);
      }
    }
    for (const each of every("body *")) {
      const has = getComputedStyle(each);
      if (own(each) && size(each) < LETTERS) found.push(`small letters: ${name(each)}`);
      const scrolls = ["INPUT", "TEXTAREA"].includes(each.tagName);
      if (!scrolls && has.overflowX !== "visible" && each.scrollWidth > each.clientWidth + 1) {
        found.push(`cut off: ${name(each)}`);
      }
    }
    return found;
  };

  const words = () => {
    const found = [];
    if (document.querySelectorAll("h1").length !== 1) found.push("not one <h1>");
    if (!document.title.trim()) found.push("no title");
    if (!document.querySelector("form, a[href], main p")) found.push("nothing to read or do");
    for (const each of document.querySelectorAll("script, [autofocus], [tabindex]:not([tabindex=\"-1\"])")) {
      found.push(`not wanted: ${name(each)}`);
    }
    for (const each of document.querySelectorAll("*")) {
      if ([...each.attributes].some(({ name }) => name.startsWith("on") || name === "style")) {
        found.push(`a script or a style of its own: ${name(each)}`);
      }
    }
    for (const each of every("input:not([type=hidden]), select, textarea")) {
      const label = each.labels && [...each.labels].find(shown);
      if (!label || !label.innerText.trim()) found.push(`no label to be seen: ${name(each)}`);
    }
    return found;
  };

  // As a person does who has made all letters twice as large. `undo` puts it back.
  const large = () => {
    const before = every("body *").filter(own).map((each) => [each, size(each)]);
    document.documentElement.style.fontSize = "200%";
    const small = before.filter(([each, was]) => size(each) < 1.9 * was);
    return small.map(([each]) => `letters do not grow: ${name(each)}`);
  };
  // WCAG 1.4.12, for who reads letters better that stand apart.
  const spaced = () => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(
      "* { line-height: 1.5 !important; letter-spacing: 0.12em !important;" +
        " word-spacing: 0.16em !important } p { margin-bottom: 2em !important }",
    );
    document.adoptedStyleSheets = [sheet];
    return [];
  };
  const undo = () => {
    document.documentElement.style.fontSize = "";
    document.adoptedStyleSheets = [];
  };
  const plain = () => {
    for (const each of document.querySelectorAll("style, link[rel=stylesheet]")) each.remove();
  };

  // Where the keyboard stops, in reading order; a group of radio buttons is one stop.
  const stops = () => {
    const group = (each) => (each.type === "radio" ? each.name : each);
    const all = every("a[href], button, input, select, textarea, summary").filter(
      (each) => !each.disabled,
    );
    return [...new Set(all.map(group))].map((each) => [
      each,
      name(typeof each === "string" ? document.querySelector(`[name="${each}"]`) : each),
    ]);
  };
  const stop = () => {
    const here = document.activeElement;
    const at = here.type === "radio" ? here.name : here;
    return stops().findIndex(([each]) => each === at);
  };

  const light = (colour) => {
    const [red, green, blue] = colour.match(/[\d.]+/g).map((each) => Number(each) / 255);
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  };
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (!/, 0\)$/.test(colour)) return colour;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? "rgb(18, 18, 18)" : "rgb(255, 255, 255)";
  };
  const ring = () => {
    const here = document.activeElement;
    const has = getComputedStyle(here);
    if (has.outlineStyle === "none" || parseFloat(has.outlineWidth) < RING) {
      return [`no ring around what has the focus: ${name(here)}`];
    }
    const pair = [light(has.outlineColor), light(ground(here.parentElement))].sort();
    const contrast = (pair[1] + 0.05) / (pair[0] + 0.05);
    return contrast < CONTRAST ? [`a ring hardly seen: ${name(here)} ${contrast.toFixed(1)}`] : [];
  };

  const heard = async () => {
    const kinds = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const result = await axe.run(document, {
      preload: false, // the policy of the pages lets nothing be fetched
      runOnly: { type: "tag", values: kinds },
    });
    const unsure = result.incomplete.filter((each) => each.id === "color-contrast");
    return [...result.violations, ...unsure].flatMap((each) =>
      each.nodes.map((node) => `${each.id}: ${each.help}: ${node.html.slice(0, 120)}`),
    );
  };

  return { layout, words, large, spaced, undo, plain, stops: () => stops().map((each) => each[1]), stop, ring, heard };
})();
undefined;

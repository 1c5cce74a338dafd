/**
 * Gives `root` its styles and returns a setter for one more, changing rule. Constructed style sheets pass a page's strict
 * `style-src`; browsers without them (Safari before 16.4) get style elements.
 */
export function adopt(root: ShadowRoot, styles: string): (rule: string) => void {
  if (!("adoptedStyleSheets" in root)) return appendStyles(root, styles);
  const [fixed, changing] = [new CSSStyleSheet(), new CSSStyleSheet()];
  fixed.replaceSync(styles);
  root.adoptedStyleSheets = [fixed, changing];
  return (rule) => changing.replaceSync(rule);
}

function appendStyles(root: ShadowRoot, styles: string): (rule: string) => void {
  const [fixed, changing] = [document.createElement("style"), document.createElement("style")];
  fixed.textContent = styles;
  root.append(fixed, changing);
  return (rule) => {
    changing.textContent = rule;
  };
}

// The policy editor: a problem's "Line 12" leads to that line of the text. Without scripts it leads to the text.
"use strict";

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-line]");
  const text = document.getElementById("text");
  if (!link || !text) {
    return;
  }
  event.preventDefault();
  const lines = text.value.split("\n");
  const before = lines.slice(0, Number(link.dataset.line) - 1);
  const start = before.join("\n").length + (before.length ? 1 : 0);
  text.focus();
  text.setSelectionRange(start, start + (lines[before.length] || "").length);
  text.scrollTop = text.scrollHeight * Math.max(0, before.length - 3) / Math.max(1, lines.length);
});

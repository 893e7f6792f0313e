// Keys for a review: j and k go to the next and previous item, a and r to the approval and the return, ? opens the help.
"use strict";

const ACTIONS = {
  j: () => document.getElementById("next")?.click(),
  k: () => document.getElementById("previous")?.click(),
  a: () => document.getElementById("reason-yes")?.focus(),
  r: () => document.getElementById("return-reason")?.focus(),
  "?": () => {
    const help = document.getElementById("help");
    if (help) {
      help.open = true;
      help.scrollIntoView();
    }
  },
};

document.addEventListener("keydown", (event) => {
  const writing = event.target.closest("input, textarea, select, [contenteditable]");
  if (writing || event.ctrlKey || event.metaKey || event.altKey || !(event.key in ACTIONS)) {
    return;
  }
  event.preventDefault();
  ACTIONS[event.key]();
});

// Runs before the first paint, so that a page that hides steps when scripts run does not flash the long form.
document.documentElement.classList.add("js");

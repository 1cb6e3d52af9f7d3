// Filters the list of claims. What is chosen stands in the address, so that it can be sent to somebody.
(() => {
  const form = document.querySelector(".filters");
  const found = form.querySelector(".found");
  const all = [...document.querySelectorAll(".claim")];
  const lists = ["cell", "molecule"];
  const fields = [...form.elements].filter((field) => field.name);
  const value = (field) => (field.type === "checkbox" ? (field.checked ? field.value : "") : field.value.trim());

  function fits(claim, wanted) {
    return Object.entries(wanted).every(([name, word]) => {
      if (name === "text") return word.toLowerCase().split(/\s+/).every((part) => claim.dataset.text.includes(part));
      const has = claim.dataset[name];
      return lists.includes(name) ? has.split("|").includes(word) : has === word;
    });
  }

  function show() {
    const wanted = Object.fromEntries(fields.map((field) => [field.name, value(field)]).filter(([, word]) => word));
    let count = 0;
    for (const claim of all) {
      claim.hidden = !fits(claim, wanted);
      if (!claim.hidden) count += 1;
    }
    found.textContent = count === all.length ? `${count} ${count === 1 ? "claim" : "claims"}` : `${count} of ${all.length} claims`;
    return new URLSearchParams(wanted).toString();
  }

  function read() {
    const hash = location.hash.slice(1);
    const target = hash && !hash.includes("=") ? document.getElementById(decodeURIComponent(hash)) : null;
    if (hash.includes("=")) {
      const wanted = new URLSearchParams(hash);
      for (const field of fields) {
        const word = wanted.get(field.name) || "";
        if (field.type === "checkbox") field.checked = word === field.value;
        else field.value = word;
      }
      show();
      document.getElementById("claims").scrollIntoView();
    } else if (target && target.matches(".claim")) {
      if (target.hidden) {
        form.reset();
        show();
      }
      target.open = true;
      target.scrollIntoView();
    }
  }

  function changed() {
    const hash = show();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  }

  form.hidden = false;
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(changed));
  window.addEventListener("hashchange", read);
  show();
  read();
})();

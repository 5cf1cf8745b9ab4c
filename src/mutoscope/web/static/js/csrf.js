// A sign-in in another tab changes the CSRF cookie, and every form that was open before would be refused. So the token
// is read from the cookie at the moment a form is sent, not when the page was made.
(() => {
  const cookieName = document.documentElement.dataset.csrfCookie;

  const currentToken = () => {
    const pair = document.cookie.split("; ").find((each) => each.startsWith(`${cookieName}=`));
    return pair ? decodeURIComponent(pair.slice(cookieName.length + 1)) : null;
  };

  // `formdata` is fired for every way a form is sent, by button, by Enter, by form.submit() and by htmx.
  document.addEventListener("formdata", (event) => {
    const token = currentToken();
    if (token && event.formData.has("csrfmiddlewaretoken")) event.formData.set("csrfmiddlewaretoken", token);
  });

  document.addEventListener("htmx:configRequest", (event) => {
    const token = currentToken();
    if (token) event.detail.headers["X-CSRFToken"] = token;
  });
})();

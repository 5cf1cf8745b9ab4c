"""Settings of django-allauth: who may sign in how, and how often somebody may try. Docs: docs/accounts.md."""

from __future__ import annotations

from mutoscope.web.environment import Environment


def sign_in_settings(environment: Environment) -> dict[str, object]:
    """Every ACCOUNT_, MFA_ and ALLAUTH_ setting, for settings.py to take over."""
    forms = "mutoscope.platform.accounts.sign_in.forms."
    return {
        "ACCOUNT_ADAPTER": "mutoscope.platform.accounts.sign_in.adapters.AccountAdapter",
        "ACCOUNT_FORMS": {
            "login": forms + "SignInForm",
            "signup": forms + "SignUpForm",
            "add_email": forms + "AddEmailForm",
            "change_password": forms + "ChangePasswordForm",
            "set_password": forms + "SetPasswordForm",
            "reset_password": forms + "ResetPasswordForm",
            "reset_password_from_key": forms + "NewPasswordForm",
            "reauthenticate": forms + "ReauthenticateForm",
        },
        "ACCOUNT_LOGIN_METHODS": {"email", "username"},
        "ACCOUNT_SIGNUP_FIELDS": ["email*", "username*", "password1*"],
        "ACCOUNT_PRESERVE_USERNAME_CASING": False,
        "ACCOUNT_EMAIL_VERIFICATION": "mandatory",
        "ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION": True,
        # A mail scanner that follows links must not confirm an address.
        "ACCOUNT_CONFIRM_EMAIL_ON_GET": False,
        "ACCOUNT_MAX_EMAIL_ADDRESSES": 5,
        "ACCOUNT_EMAIL_SUBJECT_PREFIX": "",
        "ACCOUNT_EMAIL_NOTIFICATIONS": True,
        # Whoever asks to reset a password learns nothing about who has an account, and no stranger gets mail from it.
        "ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS": False,
        "ACCOUNT_PREVENT_ENUMERATION": True,
        "ACCOUNT_SESSION_REMEMBER": True,
        "ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE": False,
        # An address leads to the password, so whoever holds a session alone must not be able to add one.
        "ACCOUNT_REAUTHENTICATION_REQUIRED": True,
        "ACCOUNT_REAUTHENTICATION_TIMEOUT": 15 * 60,
        "ACCOUNT_DEFAULT_HTTP_PROTOCOL": "https" if environment.is_https else "http",
        "ACCOUNT_RATE_LIMITS": {
            "login": "30/m/ip",
            "login_failed": "20/m/ip,5/5m/key",
            "signup": "20/m/ip",
            "reset_password": "20/m/ip,5/m/key",
        },
        # REMOTE_ADDR is the client's own address already: web/client_address.py has seen to the proxies.
        "ALLAUTH_TRUSTED_PROXY_COUNT": 0,
        "MFA_ADAPTER": "mutoscope.platform.accounts.sign_in.adapters.SecondFactorAdapter",
        "MFA_FORMS": {
            "authenticate": forms + "AuthenticateForm",
            "reauthenticate": forms + "ReauthenticateCodeForm",
            "activate_totp": forms + "ActivateTotpForm",
            "add_webauthn": forms + "AddPasskeyForm",
            "edit_webauthn": forms + "RenamePasskeyForm",
        },
        "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
        "MFA_PASSKEY_LOGIN_ENABLED": True,
        "MFA_TOTP_ISSUER": "Mutoscope",
        # One step of half a minute either way: phones' clocks drift.
        "MFA_TOTP_TOLERANCE": 1,
        # Passkeys need https; browsers make an exception for http://localhost, and so does the sandbox.
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": not environment.is_production,
        "USERSESSIONS_TRACK_ACTIVITY": False,
    }

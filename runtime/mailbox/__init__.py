"""The mailbox of a laptop: takes every mail the product sends, whoever it is for, and shows it in a browser.

The emulator of SES passes mails on by SMTP; what arrives is kept as it came, attachments and all.
"""

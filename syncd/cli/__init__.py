"""What people type: parse, call, print. Heavy rooms are imported by the commands that need them, so that help is quick."""

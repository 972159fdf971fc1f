from commonweb.tangle import command

command("tangle.py")

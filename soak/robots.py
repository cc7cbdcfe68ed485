"""x"""
def run(a:int,b:int)->int: return 0

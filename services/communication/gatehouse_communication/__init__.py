"""What communication is for, and what it isn't, in two sentences. (Yours to write.)"""

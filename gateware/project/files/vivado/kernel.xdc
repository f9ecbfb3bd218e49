# <%.Name%> uses no pins. Its clock, <%.MHz%> MHz, is the processor system's, which constrains it itself.

-- Sources of loaded rows, runs of loading.
SELECT;

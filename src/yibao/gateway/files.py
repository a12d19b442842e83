"""Files up and down (文件上传、下载): 9101, 9102."""
